// Original file: proto/toolgate/v1/gateway.proto

import type { SessionCall as _toolgate_v1_SessionCall, SessionCall__Output as _toolgate_v1_SessionCall__Output } from '../../toolgate/v1/SessionCall.js';
import type { SessionCancel as _toolgate_v1_SessionCancel, SessionCancel__Output as _toolgate_v1_SessionCancel__Output } from '../../toolgate/v1/SessionCancel.js';

export interface SessionRequest {
  'calls'?: (_toolgate_v1_SessionCall)[];
  'cancels'?: (_toolgate_v1_SessionCancel)[];
  'maxMessageBytes'?: (number);
}

export interface SessionRequest__Output {
  'calls': (_toolgate_v1_SessionCall__Output)[];
  'cancels': (_toolgate_v1_SessionCancel__Output)[];
  'maxMessageBytes': (number);
}
