// Original file: proto/toolgate/v1/registry.proto

import type { Long } from '@grpc/proto-loader';

export interface Superseded {
  'activeEpoch'?: (number | string | Long);
  'activeVersion'?: (string);
}

export interface Superseded__Output {
  'activeEpoch': (number);
  'activeVersion': (string);
}
