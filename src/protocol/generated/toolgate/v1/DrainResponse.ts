// Original file: proto/toolgate/v1/registry.proto


export interface DrainResponse {
}

export interface DrainResponse__Output {
}
