"""Rows of public datasets are taken as they are, without any configuration."""

from typing import Any

import pytest

from tests.tuner.shapes.public_datasets import PUBLIC_DATASETS
from tests.tuner.shapes.rows import record_of, shape_of
from tuner.rows.record import Completion, Conversation, Record, Text


def _chat(*texts: str, system: str = "", untrained: tuple[int, ...] = ()) -> Conversation:
    """A conversation in which user and assistant take turns."""
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    first = [{"role": "system", "content": system}] if system else []
    return Conversation((*first, *messages), (), frozenset(untrained))


ULTRACHAT = _chat(
    "Which theme is best?",
    "The one that loads fast.",
    "How do I set it up?",
    "Open the settings first.",
)
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"description": "Name of the city.", "type": "string", "default": "Oslo"},
                "days": {"description": "How many days.", "type": "integer"},
            },
            "required": [],
        },
    },
}
CALL = {"name": "get_weather", "arguments": {"city": "Rome", "days": 2}}
XLAM = Conversation(
    (
        {"role": "user", "content": "What is the weather in Rome for 2 days?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"type": "function", "function": CALL}],
        },
    ),
    (WEATHER,),
)
HERMES_ROW = PUBLIC_DATASETS["NousResearch/hermes-function-calling-v1"]["conversations"]
HERMES = Conversation(
    tuple(
        {"role": role, "content": turn["value"]}
        for role, turn in zip(
            ("system", "user", "assistant", "tool", "assistant"), HERMES_ROW, strict=True
        )
    )
)
HH = _chat(
    "How do I whistle?", "Do you know a tune?", "Yes.", "Then purse your lips.", untrained=(1,)
)
AIRLINE = "The airline began service on 31 August 2000 with two aircraft."
SOURCE = PUBLIC_DATASETS["abisee/cnn_dailymail"]
GSM8K = PUBLIC_DATASETS["openai/gsm8k"]
GUANACO = PUBLIC_DATASETS["timdettmers/openassistant-guanaco"]
SAMSUM = PUBLIC_DATASETS["Samsung/samsum"]

WILDCHAT = {"language": "English", "redacted": False, "toxic": False}

EXPECTED: dict[str, tuple[str, Record]] = {
    "HuggingFaceH4/ultrachat_200k": ("messages", ULTRACHAT),
    "tatsu-lab/alpaca": (
        "alpaca",
        Completion("Name the odd one out.\n\nOak, maple, granite", "Granite"),
    ),
    "yahma/alpaca-cleaned": (
        "alpaca",
        Completion("Three tips for health?", "Sleep, walk, and eat greens."),
    ),
    "databricks/databricks-dolly-15k": (
        "dolly",
        Completion(f"When did the airline begin?\n\n{AIRLINE}", "On 31 August 2000."),
    ),
    "philschmid/dolly-15k-oai-style": (
        "messages",
        _chat("When did the airline begin?", "On 31 August 2000.", system="You are an assistant."),
    ),
    "OpenAssistant/oasst2 (ready.trees.jsonl.gz)": (
        "message tree",
        _chat("What is a monopsony?", "A market with one buyer.", "An example?"),
    ),
    "timdettmers/openassistant-guanaco": ("text", Text(GUANACO["text"])),
    "teknium/OpenHermes-2.5": ("sharegpt", _chat("Is the answer (A) or (B)?", "(B)")),
    "Open-Orca/OpenOrca": (
        "question-response",
        Completion("Write an article about the rivers of Bavaria.", "The Isar rises in the Alps."),
    ),
    "Anthropic/hh-rlhf": ("preference", HH),
    "openai/gsm8k": ("question-answer", Completion(GSM8K["question"], GSM8K["answer"])),
    "rajpurkar/squad": (
        "squad",
        Completion(
            "What is on top of the main building?\n\n"
            "On top of the main building is a golden statue.",
            "a golden statue",
        ),
    ),
    "Samsung/samsum": ("dialogue-summary", Completion(SAMSUM["dialogue"], SAMSUM["summary"])),
    "abisee/cnn_dailymail": (
        "article-highlights",
        Completion(SOURCE["article"], SOURCE["highlights"]),
    ),
    "EdinburghNLP/xsum": (
        "document-summary",
        Completion("The full cost of the flood is still being counted.", "The flood was costly."),
    ),
    "HuggingFaceTB/smoltalk": (
        "messages",
        _chat("Plan two days in the hills.", "Day one: the ridge."),
    ),
    "allenai/tulu-3-sft-mixture": (
        "messages",
        _chat("Compare the two shoes.", "The first is lighter."),
    ),
    "Salesforce/xlam-function-calling-60k": ("function calls", XLAM),
    "NousResearch/hermes-function-calling-v1": ("sharegpt", HERMES),
    "HuggingFaceH4/ultrafeedback_binarized": (
        "messages",
        _chat("How do I pan-fry fish?", "In hot butter."),
    ),
    "Intel/orca_dpo_pairs": (
        "preference",
        _chat("Which planet is the largest?", "Jupiter", system="You answer with one word."),
    ),
    "trl-lib/kto-mix-14k": (
        "conversational prompt-completion with label",
        _chat("Which planet is the largest?", "Jupiter"),
    ),
    "Salesforce/wikitext (second row)": ("text", Text(" = Valkyria Chronicles III = \n")),
    "microsoft/orca-math-word-problems-200k": (
        "question-answer",
        Completion(
            "Jung is between Luc and Ann in a row of three. Who is in the middle?",
            "Jung is in the middle.",
        ),
    ),
    "meta-math/MetaMathQA": (
        "query-response",
        Completion("Compute 2 + 2.", "The answer is: 4"),
    ),
    "AI-MO/NuminaMath-CoT": ("messages", _chat("Compute 2 + 2.", "It is 4.")),
    "LDJnr/Capybara": (
        "messages",
        _chat("Who wrote it?", "Ann did.", "When?", "In May."),
    ),
    "cais/mmlu": (
        "multiple choice",
        Completion(
            "Which gas do plants take in?\n\nA. Helium\nB. Carbon dioxide\nC. Neon\nD. Argon",
            "B. Carbon dioxide",
        ),
    ),
    "allenai/ai2_arc": (
        "multiple choice",
        Completion(
            "Which surface warms hands the most when rubbed?\n\nA. dry palms\nB. wet palms",
            "A. dry palms",
        ),
    ),
    "google/boolq": (
        "question-answer",
        Completion(
            "does water boil at 100 degrees\n\nAt sea level, water boils at 100 degrees Celsius.",
            "true",
        ),
    ),
    "iamtarun/python_code_instructions_18k_alpaca": (
        "alpaca",
        Completion("Add two numbers.", "print(1 + 2)"),
    ),
    "Open-Orca/SlimOrca": (
        "sharegpt",
        _chat("Name a fish.", "Trout", system="You are an assistant."),
    ),
    "nvidia/OpenMathInstruct-2": (
        "problem-generated_solution",
        Completion("Compute 2 + 2.", "We add and get 4."),
    ),
    "nvidia/Llama-Nemotron-Post-Training-Dataset": (
        "conversational input-output",
        _chat(
            "Name a fish.",
            "<think>\nA fish.\n</think>\nTrout",
            system="detailed thinking on",
        ),
    ),
    "allenai/WildChat-1M": (
        "messages",
        Conversation(
            (
                {
                    "role": "user",
                    "content": "Name a fish.",
                    "timestamp": "2023-04-09 00:01:00+00:00",
                    **WILDCHAT,
                },
                {"role": "assistant", "content": "Trout", **WILDCHAT},
            )
        ),
    ),
    "HuggingFaceFW/fineweb": ("text", Text("How to paint a fence: clean it first.")),
}


def test_each_dataset_has_an_expectation() -> None:
    assert EXPECTED.keys() == PUBLIC_DATASETS.keys()


@pytest.mark.parametrize("name", PUBLIC_DATASETS)
def test_rows_are_taken_as_they_are(name: str) -> None:
    row: dict[str, Any] = PUBLIC_DATASETS[name]
    shape, record = EXPECTED[name]
    assert shape_of(row).name == shape
    assert record_of(row) == record
