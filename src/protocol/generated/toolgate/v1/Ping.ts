// Original file: proto/toolgate/v1/registry.proto


export interface Ping {
  'nonce'?: (string);
}

export interface Ping__Output {
  'nonce': (string);
}
