// Original file: proto/toolgate/v1/registry.proto

import type { LeaseRef as _toolgate_v1_LeaseRef, LeaseRef__Output as _toolgate_v1_LeaseRef__Output } from '../../toolgate/v1/LeaseRef.js';

export interface ReleaseRequest {
  'lease'?: (_toolgate_v1_LeaseRef | null);
}

export interface ReleaseRequest__Output {
  'lease': (_toolgate_v1_LeaseRef__Output | null);
}
