// Original file: proto/toolgate/v1/access.proto

import type { HeldKey as _toolgate_v1_HeldKey, HeldKey__Output as _toolgate_v1_HeldKey__Output } from '../../toolgate/v1/HeldKey.js';

export interface KeyHolder {
  'principal'?: (string);
  'roles'?: (string)[];
  'disabled'?: (boolean);
  'keys'?: (_toolgate_v1_HeldKey)[];
}

export interface KeyHolder__Output {
  'principal': (string);
  'roles': (string)[];
  'disabled': (boolean);
  'keys': (_toolgate_v1_HeldKey__Output)[];
}
