// Original file: proto/toolgate/v1/registry.proto


export interface ProviderPong {
  'nonce'?: (string);
}

export interface ProviderPong__Output {
  'nonce': (string);
}
