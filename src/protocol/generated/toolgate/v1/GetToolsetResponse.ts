// Original file: proto/toolgate/v1/catalog.proto

import type { Contract as _toolgate_v1_Contract, Contract__Output as _toolgate_v1_Contract__Output } from '../../toolgate/v1/Contract.js';
import type { Epoch as _toolgate_v1_Epoch, Epoch__Output as _toolgate_v1_Epoch__Output } from '../../toolgate/v1/Epoch.js';
import type { Long } from '@grpc/proto-loader';

export interface GetToolsetResponse {
  'contract'?: (_toolgate_v1_Contract | null);
  'digest'?: (string);
  'epoch'?: (number | string | Long);
  'epochs'?: (_toolgate_v1_Epoch)[];
  'stale'?: (boolean);
}

export interface GetToolsetResponse__Output {
  'contract': (_toolgate_v1_Contract__Output | null);
  'digest': (string);
  'epoch': (number);
  'epochs': (_toolgate_v1_Epoch__Output)[];
  'stale': (boolean);
}
