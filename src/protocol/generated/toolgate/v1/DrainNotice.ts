// Original file: proto/toolgate/v1/registry.proto


export interface DrainNotice {
}

export interface DrainNotice__Output {
}
