// Original file: proto/toolgate/v1/registry.proto

import type { Long } from '@grpc/proto-loader';

export interface RegisterOptions {
  'replace'?: (boolean);
  'activateAt'?: (number | string);
  'maxBacklog'?: (number);
  'retentionMs'?: (number | string | Long);
  'retireAfterMs'?: (number | string | Long);
  'skipInvalid'?: (boolean);
}

export interface RegisterOptions__Output {
  'replace': (boolean);
  'activateAt': (number);
  'maxBacklog': (number);
  'retentionMs': (number);
  'retireAfterMs': (number);
  'skipInvalid': (boolean);
}
