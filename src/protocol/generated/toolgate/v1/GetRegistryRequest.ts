// Original file: proto/toolgate/v1/catalog.proto


export interface GetRegistryRequest {
}

export interface GetRegistryRequest__Output {
}
