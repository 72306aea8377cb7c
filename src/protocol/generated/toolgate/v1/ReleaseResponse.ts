// Original file: proto/toolgate/v1/registry.proto


export interface ReleaseResponse {
}

export interface ReleaseResponse__Output {
}
