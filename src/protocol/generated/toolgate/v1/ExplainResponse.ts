// Original file: proto/toolgate/v1/access.proto

import type { ExplainedGate as _toolgate_v1_ExplainedGate, ExplainedGate__Output as _toolgate_v1_ExplainedGate__Output } from '../../toolgate/v1/ExplainedGate.js';

export interface ExplainResponse {
  'gates'?: (_toolgate_v1_ExplainedGate)[];
  'outcome'?: (string);
}

export interface ExplainResponse__Output {
  'gates': (_toolgate_v1_ExplainedGate__Output)[];
  'outcome': (string);
}
