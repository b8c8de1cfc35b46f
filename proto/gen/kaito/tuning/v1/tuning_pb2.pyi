import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetTuningRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetTuningResponse(_message.Message):
    __slots__ = ("tuning",)
    TUNING_FIELD_NUMBER: _ClassVar[int]
    tuning: Tuning
    def __init__(self, tuning: _Optional[_Union[Tuning, _Mapping]] = ...) -> None: ...

class WatchTuningRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class WatchTuningResponse(_message.Message):
    __slots__ = ("tuning",)
    TUNING_FIELD_NUMBER: _ClassVar[int]
    tuning: Tuning
    def __init__(self, tuning: _Optional[_Union[Tuning, _Mapping]] = ...) -> None: ...

class StopTuningRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class StopTuningResponse(_message.Message):
    __slots__ = ("tuning",)
    TUNING_FIELD_NUMBER: _ClassVar[int]
    tuning: Tuning
    def __init__(self, tuning: _Optional[_Union[Tuning, _Mapping]] = ...) -> None: ...

class Tuning(_message.Message):
    __slots__ = ("name", "state", "base_model", "method", "progress", "start_time", "end_time", "error", "checkpoint", "adapter", "divergence", "lost_rows", "gpu_memory")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Tuning.State]
        LOADING: _ClassVar[Tuning.State]
        PREPARING: _ClassVar[Tuning.State]
        RUNNING: _ClassVar[Tuning.State]
        PUSHING: _ClassVar[Tuning.State]
        SUCCEEDED: _ClassVar[Tuning.State]
        FAILED: _ClassVar[Tuning.State]
        STOPPED: _ClassVar[Tuning.State]
    STATE_UNSPECIFIED: Tuning.State
    LOADING: Tuning.State
    PREPARING: Tuning.State
    RUNNING: Tuning.State
    PUSHING: Tuning.State
    SUCCEEDED: Tuning.State
    FAILED: Tuning.State
    STOPPED: Tuning.State
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    DIVERGENCE_FIELD_NUMBER: _ClassVar[int]
    LOST_ROWS_FIELD_NUMBER: _ClassVar[int]
    GPU_MEMORY_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: Tuning.State
    base_model: str
    method: str
    progress: Progress
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    error: Error
    checkpoint: Checkpoint
    adapter: Adapter
    divergence: Divergence
    lost_rows: LostRows
    gpu_memory: GpuMemory
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[Tuning.State, str]] = ..., base_model: _Optional[str] = ..., method: _Optional[str] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ..., adapter: _Optional[_Union[Adapter, _Mapping]] = ..., divergence: _Optional[_Union[Divergence, _Mapping]] = ..., lost_rows: _Optional[_Union[LostRows, _Mapping]] = ..., gpu_memory: _Optional[_Union[GpuMemory, _Mapping]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("step", "total_steps", "epoch", "loss", "learning_rate", "tokens_per_second", "eta", "gradient_norm", "eval_loss", "eval_step", "resumed_step", "reward_accuracy", "reward_margin")
    STEP_FIELD_NUMBER: _ClassVar[int]
    TOTAL_STEPS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    ETA_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_NORM_FIELD_NUMBER: _ClassVar[int]
    EVAL_LOSS_FIELD_NUMBER: _ClassVar[int]
    EVAL_STEP_FIELD_NUMBER: _ClassVar[int]
    RESUMED_STEP_FIELD_NUMBER: _ClassVar[int]
    REWARD_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    REWARD_MARGIN_FIELD_NUMBER: _ClassVar[int]
    step: int
    total_steps: int
    epoch: float
    loss: float
    learning_rate: float
    tokens_per_second: float
    eta: _duration_pb2.Duration
    gradient_norm: float
    eval_loss: float
    eval_step: int
    resumed_step: int
    reward_accuracy: float
    reward_margin: float
    def __init__(self, step: _Optional[int] = ..., total_steps: _Optional[int] = ..., epoch: _Optional[float] = ..., loss: _Optional[float] = ..., learning_rate: _Optional[float] = ..., tokens_per_second: _Optional[float] = ..., eta: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., gradient_norm: _Optional[float] = ..., eval_loss: _Optional[float] = ..., eval_step: _Optional[int] = ..., resumed_step: _Optional[int] = ..., reward_accuracy: _Optional[float] = ..., reward_margin: _Optional[float] = ...) -> None: ...

class Divergence(_message.Message):
    __slots__ = ("step", "loss", "lowest_loss", "remedy")
    STEP_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    LOWEST_LOSS_FIELD_NUMBER: _ClassVar[int]
    REMEDY_FIELD_NUMBER: _ClassVar[int]
    step: int
    loss: float
    lowest_loss: float
    remedy: str
    def __init__(self, step: _Optional[int] = ..., loss: _Optional[float] = ..., lowest_loss: _Optional[float] = ..., remedy: _Optional[str] = ...) -> None: ...

class LostRows(_message.Message):
    __slots__ = ("rows", "dropped", "cut", "by_cause")
    class ByCauseEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    ROWS_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    CUT_FIELD_NUMBER: _ClassVar[int]
    BY_CAUSE_FIELD_NUMBER: _ClassVar[int]
    rows: int
    dropped: int
    cut: int
    by_cause: _containers.ScalarMap[str, int]
    def __init__(self, rows: _Optional[int] = ..., dropped: _Optional[int] = ..., cut: _Optional[int] = ..., by_cause: _Optional[_Mapping[str, int]] = ...) -> None: ...

class GpuMemory(_message.Message):
    __slots__ = ("peak_bytes", "total_bytes")
    PEAK_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    peak_bytes: int
    total_bytes: int
    def __init__(self, peak_bytes: _Optional[int] = ..., total_bytes: _Optional[int] = ...) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ("step", "path", "time")
    STEP_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    step: int
    path: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, step: _Optional[int] = ..., path: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("reason", "message", "retryable")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    retryable: bool
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ..., retryable: _Optional[bool] = ...) -> None: ...

class Adapter(_message.Message):
    __slots__ = ("image", "digest", "size")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    image: str
    digest: str
    size: int
    def __init__(self, image: _Optional[str] = ..., digest: _Optional[str] = ..., size: _Optional[int] = ...) -> None: ...
