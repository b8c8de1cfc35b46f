"""The one table from expected failures to gRPC status codes."""

from grpc import StatusCode

from model_server import errors

STATUS_CODES: dict[type[errors.InferenceError], StatusCode] = {
    errors.InvalidRequest: StatusCode.INVALID_ARGUMENT,
    errors.NotSupported: StatusCode.UNIMPLEMENTED,
    errors.ModelNotFound: StatusCode.NOT_FOUND,
    errors.AdapterExists: StatusCode.ALREADY_EXISTS,
    errors.AdapterInvalid: StatusCode.INVALID_ARGUMENT,
    errors.AdapterRequired: StatusCode.FAILED_PRECONDITION,
    errors.Overloaded: StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: StatusCode.UNAVAILABLE,
    errors.ModelLoadFailed: StatusCode.UNAVAILABLE,
    errors.GenerationFailed: StatusCode.INTERNAL,
    errors.EngineFailed: StatusCode.INTERNAL,
}
