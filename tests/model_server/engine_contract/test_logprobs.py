"""Log probabilities and ids of tokens, of every engine that has them."""

from tests.model_server.conftest import (
    Running,
    generate_request,
    requires,
    stream,
)


async def test_every_new_token_has_a_logprob(server: Running) -> None:
    await requires(server, "options.logprobs", "options.return_token_ids")
    request = generate_request(
        max_new_tokens=60, do_sample=True, seed=2, num_return_sequences=2,
        logprobs=True, top_logprobs=3, return_token_ids=True,
    )  # fmt: skip
    whole = await server.stub.Generate(request)
    deltas = await stream(server, request)
    for choice in whole.choices:
        own = [delta for delta in deltas if delta.index == choice.index]
        assert [each for delta in own for each in delta.logprobs] == list(choice.logprobs)
        assert [each.token.id for each in choice.logprobs] == list(choice.token_ids)
        for each in choice.logprobs:
            logprobs = [likely.logprob for likely in each.top]
            assert len(logprobs) == 3
            assert logprobs == sorted(logprobs, reverse=True)
            assert each.token.logprob <= logprobs[0] < 0
            assert each.token.text == each.token.raw.decode(errors="replace")
    assert sum(len(choice.logprobs) for choice in whole.choices) == whole.usage.completion_tokens
    plain = await server.stub.Generate(generate_request())
    assert not plain.choices[0].logprobs


async def test_bytes_of_tokens_join_to_the_text(server: Running) -> None:
    await requires(server, "options.logprobs")
    request = generate_request(prompt="naïve 東京 ☂", max_new_tokens=60, logprobs=True)
    choice = (await server.stub.Generate(request)).choices[0]
    # Special tokens are no part of the text.
    special = (b"<|end|>", b"<|system|>", b"<|user|>", b"<|assistant|>")
    raw = b"".join(each.token.raw for each in choice.logprobs if each.token.raw not in special)
    assert raw.decode(errors="replace") == choice.text


async def test_every_token_of_the_prompt_but_the_first_has_a_logprob(server: Running) -> None:
    await requires(server, "options.prompt_logprobs")
    request = generate_request(max_new_tokens=1, prompt_logprobs=True, return_token_ids=True)
    whole = await server.stub.Generate(request)
    assert whole.usage.prompt_tokens == len(whole.prompt_logprobs) > 1
    assert [each.token.id for each in whole.prompt_logprobs] == list(whole.prompt_token_ids)
    given = [each.token.HasField("logprob") for each in whole.prompt_logprobs]
    assert given == [False] + [True] * (len(given) - 1)
    first, *rest = await stream(server, request)
    assert list(first.prompt_logprobs) == list(whole.prompt_logprobs)
    assert not any(delta.prompt_logprobs or delta.prompt_token_ids for delta in rest)


async def test_token_ids_are_taken_as_they_are(server: Running) -> None:
    await requires(server, "token_ids", "options.return_token_ids")
    plain = await server.stub.Generate(generate_request(return_token_ids=True))
    request = generate_request()
    request.token_ids.ids.extend(plain.prompt_token_ids)
    answer = await server.stub.Generate(request)
    assert answer.choices[0].text == plain.choices[0].text
    assert answer.usage == plain.usage
