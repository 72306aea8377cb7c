// Original file: proto/toolgate/v1/catalog.proto

import type { Long } from '@grpc/proto-loader';

export interface GetToolsetRequest {
  'name'?: (string);
  'epoch'?: (number | string | Long);
  'tools'?: (string)[];
}

export interface GetToolsetRequest__Output {
  'name': (string);
  'epoch': (number);
  'tools': (string)[];
}
