"""Makes the training libraries behave like part of this program."""

import logging
import sys
import warnings

import datasets
import transformers


def configure_libraries() -> None:
    """Send the libraries' logs to ours, and show their progress bars on a terminal only."""
    # They announce renamed options to whoever writes code against them, which the user does not.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"transformers|trl|peft")
    transformers.utils.logging.disable_default_handler()
    # The client of a tracker that does not answer would log each of its attempts.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    for library in (transformers.utils.logging, datasets.utils.logging):
        library.enable_propagation()
        library.set_verbosity_warning()
    if not sys.stdout.isatty():
        datasets.disable_progress_bars()
        transformers.utils.logging.disable_progress_bar()
