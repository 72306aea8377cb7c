// Original file: proto/toolgate/v1/registry.proto

import type { Long } from '@grpc/proto-loader';

export interface LeaseRef {
  'toolset'?: (string);
  'epoch'?: (number | string | Long);
  'providerId'?: (string);
  'incarnation'?: (string);
  'leaseToken'?: (string);
}

export interface LeaseRef__Output {
  'toolset': (string);
  'epoch': (number);
  'providerId': (string);
  'incarnation': (string);
  'leaseToken': (string);
}
