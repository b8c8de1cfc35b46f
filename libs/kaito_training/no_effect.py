"""Keys of a training_config.yaml that are accepted and have no effect."""

from collections.abc import Iterator, Mapping
from typing import Any

# Files written for upstream may set these keys of ModelConfig. The platform decides them, so they
# are accepted and ignored.
PLATFORM_KEYS = frozenset(
    "pretrained_model_name_or_path state_dict cache_dir force_download proxies "
    "output_loading_info local_files_only revision from_tf resume_download "
    "load_in_4bit load_in_8bit".split()
)
# The tuner sets these options of the trainer, whatever the file says.
IMPOSED_ARGUMENTS = frozenset(
    "use_cpu push_to_hub report_to resume_from_checkpoint save_on_each_node save_only_model "
    "include_num_input_tokens_seen logging_nan_inf_filter disable_tqdm dataset_kwargs".split()
)
# Options of the libraries' command lines, and of models that they load themselves.
UNUSED_ARGUMENTS = frozenset(
    "precompute_ref_batch_size ref_model_mixup_alpha ref_model_sync_steps "
    "do_train do_eval do_predict local_rank run_name project model_init_kwargs trust_remote_code "
    "chat_template_path hub_token hub_private_repo hub_model_id hub_strategy "
    "hub_always_push hub_revision trackio_space_id trackio_bucket_id "
    "trackio_static_space_id".split()
)


# The tuner makes examples of the rows itself; the trainer takes them as they are.
DATA_ARGUMENTS = {
    "dataset_text_field": "DatasetConfig names the columns",
    "truncation_mode": "what exceeds max_length is cut at its end",
    "shuffle_dataset": "DatasetConfig.shuffle_dataset shuffles the examples",
}


def find_warnings(sections: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """One sentence for each key without an effect in the mapping of section → key → value."""
    for key in sections["ModelConfig"]:
        if key in ("load_in_4bit", "load_in_8bit"):
            yield f"ModelConfig.{key} has no effect; set it in QuantizationConfig"
        elif key in PLATFORM_KEYS:
            yield f"ModelConfig.{key} has no effect: the platform decides how the model is found"
    for key in sections["TrainingArguments"]:
        if key in IMPOSED_ARGUMENTS:
            yield f"TrainingArguments.{key} has no effect: the platform sets it"
        elif key in DATA_ARGUMENTS:
            yield f"TrainingArguments.{key} has no effect: {DATA_ARGUMENTS[key]}"
        elif key in UNUSED_ARGUMENTS:
            yield f"TrainingArguments.{key} has no effect here"
    for key in ("mlm", "mlm_probability"):
        if key in sections["DataCollator"]:
            yield f"DataCollator.{key} has no effect on causal language models"
    yield from _overridden(sections)


def _overridden(sections: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    arguments, quantization = sections["TrainingArguments"], sections["QuantizationConfig"]
    if "num_train_epochs" in arguments and arguments.get("max_steps", -1) != -1:
        yield "TrainingArguments.num_train_epochs has no effect: max_steps overrides it"
    dataset = sections["DatasetConfig"]
    if "shuffle_seed" in dataset and dataset.get("shuffle_dataset") is False:
        yield "DatasetConfig.shuffle_seed has no effect: shuffle_dataset is false"
    if not quantization.get("load_in_4bit"):
        for key in quantization:
            if str(key).startswith("bnb_4bit_"):
                yield f"QuantizationConfig.{key} has no effect without load_in_4bit"
