// Original file: proto/toolgate/v1/gateway.proto

import type { SessionAccepted as _toolgate_v1_SessionAccepted, SessionAccepted__Output as _toolgate_v1_SessionAccepted__Output } from '../../toolgate/v1/SessionAccepted.js';
import type { SessionDelta as _toolgate_v1_SessionDelta, SessionDelta__Output as _toolgate_v1_SessionDelta__Output } from '../../toolgate/v1/SessionDelta.js';
import type { SessionTerminal as _toolgate_v1_SessionTerminal, SessionTerminal__Output as _toolgate_v1_SessionTerminal__Output } from '../../toolgate/v1/SessionTerminal.js';

export interface SessionResponse {
  'accepted'?: (_toolgate_v1_SessionAccepted)[];
  'deltas'?: (_toolgate_v1_SessionDelta)[];
  'terminals'?: (_toolgate_v1_SessionTerminal)[];
  'goAway'?: (boolean);
}

export interface SessionResponse__Output {
  'accepted': (_toolgate_v1_SessionAccepted__Output)[];
  'deltas': (_toolgate_v1_SessionDelta__Output)[];
  'terminals': (_toolgate_v1_SessionTerminal__Output)[];
  'goAway': (boolean);
}
