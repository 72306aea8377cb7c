// Original file: proto/toolgate/v1/access.proto


export interface SetPasswordRequest {
  'tenant'?: (string);
  'user'?: (string);
  'password'?: (string);
  'roles'?: (string)[];
  'reason'?: (string);
}

export interface SetPasswordRequest__Output {
  'tenant': (string);
  'user': (string);
  'password': (string);
  'roles': (string)[];
  'reason': (string);
}
