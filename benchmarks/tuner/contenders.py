"""What is compared, and what all have in common."""

PLAIN, BEST, TUNER = "TRL, plain", "TRL, best", "tuner"
# Small models need a higher one than the tuner's default, which suits models of billions.
LEARNING_RATE = 2e-3
# As in the templates of upstream and of the tuner.
LORA = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0}
TARGET_MODULES = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
