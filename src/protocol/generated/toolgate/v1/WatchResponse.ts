// Original file: proto/toolgate/v1/catalog.proto

import type { Snapshot as _toolgate_v1_Snapshot, Snapshot__Output as _toolgate_v1_Snapshot__Output } from '../../toolgate/v1/Snapshot.js';
import type { Change as _toolgate_v1_Change, Change__Output as _toolgate_v1_Change__Output } from '../../toolgate/v1/Change.js';

export interface WatchResponse {
  'revision'?: (string);
  'snapshot'?: (_toolgate_v1_Snapshot | null);
  'changes'?: (_toolgate_v1_Change)[];
}

export interface WatchResponse__Output {
  'revision': (string);
  'snapshot': (_toolgate_v1_Snapshot__Output | null);
  'changes': (_toolgate_v1_Change__Output)[];
}
