// Original file: proto/toolgate/v1/access.proto


export interface LoginRequest {
  'tenant'?: (string);
  'user'?: (string);
  'password'?: (string);
}

export interface LoginRequest__Output {
  'tenant': (string);
  'user': (string);
  'password': (string);
}
