package whereby

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// UploadLogo puts a PNG, at least 400 pixels wide, on a meeting's page. It may be repeated.
func (p *Provider) UploadLogo(ctx context.Context, m provider.Meeting, png []byte) error {
	const op = "upload logo for room"
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="image"; filename="logo.png"`}, "Content-Type": {"image/png"},
	})
	if err == nil {
		_, err = part.Write(png)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return p.client.Refuse(provider.Invalid, op, m.Room, err.Error(), "")
	}
	return p.client.Do(ctx, rest.Call{
		Op: op, Subject: m.Room, Missing: rest.NoRoom, Method: http.MethodPut, Path: "/rooms/" + url.PathEscape(m.Room) + "/theme/logo",
		Raw: body.Bytes(), ContentType: form.FormDataContentType(), Cost: costWrite,
	})
}
