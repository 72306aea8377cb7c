// Original file: proto/toolgate/v1/registry.proto


export interface ToolCancelled {
}

export interface ToolCancelled__Output {
}
