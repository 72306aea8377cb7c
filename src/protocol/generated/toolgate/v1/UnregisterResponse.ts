// Original file: proto/toolgate/v1/registry.proto


export interface UnregisterResponse {
}

export interface UnregisterResponse__Output {
}
