// Original file: proto/toolgate/v1/catalog.proto

import type { ChangeKind as _toolgate_v1_ChangeKind, ChangeKind__Output as _toolgate_v1_ChangeKind__Output } from '../../toolgate/v1/ChangeKind.js';
import type { ToolsetSummary as _toolgate_v1_ToolsetSummary, ToolsetSummary__Output as _toolgate_v1_ToolsetSummary__Output } from '../../toolgate/v1/ToolsetSummary.js';
import type { Long } from '@grpc/proto-loader';

export interface Change {
  'kind'?: (_toolgate_v1_ChangeKind);
  'toolset'?: (string);
  'epoch'?: (number | string | Long);
  'atMs'?: (number | string | Long);
  'summary'?: (_toolgate_v1_ToolsetSummary | null);
}

export interface Change__Output {
  'kind': (_toolgate_v1_ChangeKind__Output);
  'toolset': (string);
  'epoch': (number);
  'atMs': (number);
  'summary': (_toolgate_v1_ToolsetSummary__Output | null);
}
