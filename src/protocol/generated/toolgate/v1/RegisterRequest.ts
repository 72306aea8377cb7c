// Original file: proto/toolgate/v1/registry.proto

import type { Contract as _toolgate_v1_Contract, Contract__Output as _toolgate_v1_Contract__Output } from '../../toolgate/v1/Contract.js';
import type { RegisterOptions as _toolgate_v1_RegisterOptions, RegisterOptions__Output as _toolgate_v1_RegisterOptions__Output } from '../../toolgate/v1/RegisterOptions.js';

export interface RegisterRequest {
  'contract'?: (_toolgate_v1_Contract | null);
  'providerId'?: (string);
  'incarnation'?: (string);
  'options'?: (_toolgate_v1_RegisterOptions | null);
}

export interface RegisterRequest__Output {
  'contract': (_toolgate_v1_Contract__Output | null);
  'providerId': (string);
  'incarnation': (string);
  'options': (_toolgate_v1_RegisterOptions__Output | null);
}
