// Original file: proto/toolgate/v1/registry.proto


export interface FlowControl {
  'pauseOutput'?: (boolean);
}

export interface FlowControl__Output {
  'pauseOutput': (boolean);
}
