// Original file: proto/toolgate/v1/access.proto


export interface SetPasswordResponse {
}

export interface SetPasswordResponse__Output {
}
