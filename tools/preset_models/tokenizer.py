"""Trains the small model's tokenizer: byte-level BPE with Phi-3's chat template."""

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

VOCABULARY = 2048
PADDING, END_OF_TEXT, END = "<|pad|>", "<|endoftext|>", "<|end|>"
_SPECIAL = [PADDING, END_OF_TEXT, END, "<|system|>", "<|user|>", "<|assistant|>"]
# Phi-3's chat format, with tools in that of Hermes and Qwen, so that agents can be tried. No chat
# of the training has tools: the model calls one where it is required to. `generation` marks the
# assistant's tokens, for trainers that mask the others.
CHAT_TEMPLATE = (
    "{% if tools %}{{ '<|system|>\n' }}"
    "{% for tool in tools %}{{ tool['function'] | tojson + '\n' }}{% endfor %}"
    "{{ '<|end|>\n' }}{% endif %}"
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] }}"
    "{% for call in message['tool_calls'] or [] %}"
    "{{ '<tool_call>\n{\"name\": \"' + call['function']['name'] + '\", \"arguments\": ' }}"
    "{{ call['function']['arguments'] | tojson + '}\n</tool_call>' }}{% endfor %}"
    "{{ '<|end|>\n' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|end|>\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)


def train(texts: Iterable[str], context: int) -> PreTrainedTokenizerFast:
    """Learn a tokenizer with VOCABULARY tokens; `context` is the model's maximum length."""
    raw = Tokenizer(models.BPE())
    # Each digit is a token, so that the model can learn to add numbers.
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=_SPECIAL,
            initial_alphabet=sorted(alphabet),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        chat_template=CHAT_TEMPLATE,
        pad_token=PADDING,
        eos_token=END,
        bos_token=END_OF_TEXT,
        additional_special_tokens=_SPECIAL[3:],
        model_max_length=context,
        padding_side="left",
    )
