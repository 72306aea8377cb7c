// Original file: proto/toolgate/v1/gateway.proto

import type { OutputDelta as _toolgate_v1_OutputDelta, OutputDelta__Output as _toolgate_v1_OutputDelta__Output } from '../../toolgate/v1/OutputDelta.js';
import type { Long } from '@grpc/proto-loader';

export interface SessionDelta {
  'ref'?: (number | string | Long);
  'delta'?: (_toolgate_v1_OutputDelta | null);
}

export interface SessionDelta__Output {
  'ref': (number);
  'delta': (_toolgate_v1_OutputDelta__Output | null);
}
