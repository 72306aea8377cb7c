// Original file: proto/toolgate/v1/catalog.proto


export interface NodeInfo {
  'nodeId'?: (string);
  'version'?: (string);
}

export interface NodeInfo__Output {
  'nodeId': (string);
  'version': (string);
}
