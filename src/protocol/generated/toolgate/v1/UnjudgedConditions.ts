// Original file: proto/toolgate/v1/documents.proto

import type { Long } from '@grpc/proto-loader';

export interface UnjudgedConditions {
  'times'?: (number | string | Long);
  'path'?: (string);
  'reason'?: (string);
  'atMs'?: (number | string | Long);
}

export interface UnjudgedConditions__Output {
  'times': (number);
  'path': (string);
  'reason': (string);
  'atMs': (number);
}
