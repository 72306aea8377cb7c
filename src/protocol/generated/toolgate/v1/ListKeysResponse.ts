// Original file: proto/toolgate/v1/access.proto

import type { KeyHolder as _toolgate_v1_KeyHolder, KeyHolder__Output as _toolgate_v1_KeyHolder__Output } from '../../toolgate/v1/KeyHolder.js';

export interface ListKeysResponse {
  'holders'?: (_toolgate_v1_KeyHolder)[];
  'nextPageToken'?: (string);
}

export interface ListKeysResponse__Output {
  'holders': (_toolgate_v1_KeyHolder__Output)[];
  'nextPageToken': (string);
}
