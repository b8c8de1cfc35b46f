"""Trains the small model's tokenizer: byte-level BPE with Phi-3's chat format."""

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

VOCABULARY = 2048
PADDING, END_OF_TEXT, END = "<|pad|>", "<|endoftext|>", "<|end|>"
_SPECIAL = [PADDING, END_OF_TEXT, END, "<|system|>", "<|user|>", "<|assistant|>"]
#: Phi-3's format. `generation` marks what the assistant says, for trainers that mask the rest.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|end|>\n' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|end|>\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)


def train(texts: Iterable[str], context: int) -> PreTrainedTokenizerFast:
    """A tokenizer of VOCABULARY pieces learned from `texts`, for `context` tokens at most."""
    raw = Tokenizer(models.BPE())
    # Digits one by one: a sum of two numbers is then something that can be learned.
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
