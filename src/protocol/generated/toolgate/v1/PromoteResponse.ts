// Original file: proto/toolgate/v1/registry.proto


export interface PromoteResponse {
}

export interface PromoteResponse__Output {
}
