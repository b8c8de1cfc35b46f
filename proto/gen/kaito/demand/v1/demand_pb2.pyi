from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReportDemandRequest(_message.Message):
    __slots__ = ("gateway", "uptime_seconds", "models", "last")
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    gateway: GatewayInstance
    uptime_seconds: float
    models: _containers.RepeatedCompositeFieldContainer[ModelDemand]
    last: bool
    def __init__(self, gateway: _Optional[_Union[GatewayInstance, _Mapping]] = ..., uptime_seconds: _Optional[float] = ..., models: _Optional[_Iterable[_Union[ModelDemand, _Mapping]]] = ..., last: _Optional[bool] = ...) -> None: ...

class ReportDemandResponse(_message.Message):
    __slots__ = ("uptime_seconds",)
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    uptime_seconds: float
    def __init__(self, uptime_seconds: _Optional[float] = ...) -> None: ...

class GatewayInstance(_message.Message):
    __slots__ = ("name", "epoch")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    name: str
    epoch: str
    def __init__(self, name: _Optional[str] = ..., epoch: _Optional[str] = ...) -> None: ...

class ModelDemand(_message.Message):
    __slots__ = ("model", "arrived", "finished", "held", "request_seconds", "prompt_tokens", "completion_tokens", "first_tokens", "first_token_seconds")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ARRIVED_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKENS_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    model: str
    arrived: int
    finished: int
    held: int
    request_seconds: float
    prompt_tokens: int
    completion_tokens: int
    first_tokens: int
    first_token_seconds: float
    def __init__(self, model: _Optional[str] = ..., arrived: _Optional[int] = ..., finished: _Optional[int] = ..., held: _Optional[int] = ..., request_seconds: _Optional[float] = ..., prompt_tokens: _Optional[int] = ..., completion_tokens: _Optional[int] = ..., first_tokens: _Optional[int] = ..., first_token_seconds: _Optional[float] = ...) -> None: ...
