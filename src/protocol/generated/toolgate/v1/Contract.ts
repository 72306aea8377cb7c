// Original file: proto/toolgate/v1/contract.proto

import type { Tool as _toolgate_v1_Tool, Tool__Output as _toolgate_v1_Tool__Output } from '../../toolgate/v1/Tool.js';

export interface Contract {
  'name'?: (string);
  'version'?: (string);
  'title'?: (string);
  'description'?: (string);
  'tags'?: (string)[];
  'tools'?: (_toolgate_v1_Tool)[];
  'assertFormats'?: (boolean);
}

export interface Contract__Output {
  'name': (string);
  'version': (string);
  'title': (string);
  'description': (string);
  'tags': (string)[];
  'tools': (_toolgate_v1_Tool__Output)[];
  'assertFormats': (boolean);
}
