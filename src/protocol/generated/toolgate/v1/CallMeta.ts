// Original file: proto/toolgate/v1/gateway.proto


export interface CallMeta {
  'runId'?: (string);
  'sessionId'?: (string);
  'turnId'?: (string);
  'toolCallId'?: (string);
  'parentToolCallId'?: (string);
  'traceparent'?: (string);
  'tracestate'?: (string);
}

export interface CallMeta__Output {
  'runId': (string);
  'sessionId': (string);
  'turnId': (string);
  'toolCallId': (string);
  'parentToolCallId': (string);
  'traceparent': (string);
  'tracestate': (string);
}
