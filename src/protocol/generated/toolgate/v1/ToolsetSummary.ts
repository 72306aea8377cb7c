// Original file: proto/toolgate/v1/catalog.proto

import type { Epoch as _toolgate_v1_Epoch, Epoch__Output as _toolgate_v1_Epoch__Output } from '../../toolgate/v1/Epoch.js';

export interface ToolsetSummary {
  'name'?: (string);
  'title'?: (string);
  'description'?: (string);
  'version'?: (string);
  'tags'?: (string)[];
  'toolCount'?: (number);
  'epochs'?: (_toolgate_v1_Epoch)[];
}

export interface ToolsetSummary__Output {
  'name': (string);
  'title': (string);
  'description': (string);
  'version': (string);
  'tags': (string)[];
  'toolCount': (number);
  'epochs': (_toolgate_v1_Epoch__Output)[];
}
