"""Chat templates as the makers of models publish them, shortened where the form stays the same."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "chat_templates"
ALL = {path.stem: path.read_text() for path in sorted(_FOLDER.glob("*.jinja"))}
# The system prompt moves to the last message of the user: with more messages it is gone.
MISTRAL_SYSTEM = "mistral-with-system"
# It writes the end of a conversation after the end mark of its last message.
PHI_3 = "phi-3"
# They rewrite earlier messages.
REWRITING = {"qwen-3", MISTRAL_SYSTEM}
SPECIAL_TOKENS = (
    "<|endoftext|> <s> </s> <|im_start|> <|im_end|> <|start_header_id|> <|end_header_id|> "
    "<|eot_id|> <|system|> <|user|> <|assistant|> <|end|> <start_of_turn> <end_of_turn>"
).split()
# As in DeepSeek's and Qwen's tokenizers, these are added tokens, but not special.
ADDED_TOKENS = "<|User|> <|Assistant|> <think> </think> <tool_call> </tool_call>".split()
