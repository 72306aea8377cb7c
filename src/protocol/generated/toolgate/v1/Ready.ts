// Original file: proto/toolgate/v1/registry.proto


export interface Ready {
}

export interface Ready__Output {
}
