package api

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http/httptest"
	"testing"

	"mezzo/internal/fault"
)

// A picture comes as the body, or as the file of a form among other fields.
func TestPictureComesEitherWay(t *testing.T) {
	form := func(field func(*multipart.Writer) error) (string, *bytes.Buffer) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		if err := w.WriteField("alt", "a pan"); err != nil {
			t.Fatal(err)
		}
		if err := field(w); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return w.FormDataContentType(), &b
	}
	file, withFile := form(func(w *multipart.Writer) error {
		part, err := w.CreateFormFile("picture", "pan.jpg")
		if err == nil {
			_, err = part.Write([]byte("the bytes"))
		}
		return err
	})
	field, without := form(func(w *multipart.Writer) error { return w.WriteField("picture", "the bytes") })
	for name, c := range map[string]struct {
		kind string
		body io.Reader
		want string
	}{
		"body":              {"image/jpeg", bytes.NewReader([]byte("the bytes")), "the bytes"},
		"no type":           {"", bytes.NewReader([]byte("the bytes")), "the bytes"},
		"form":              {file, withFile, "the bytes"},
		"form without file": {field, without, ""},
		"form cut short":    {"multipart/form-data; boundary=x", bytes.NewReader([]byte("--x\r\n")), ""},
	} {
		r := httptest.NewRequest("POST", "/api/v1/images", c.body)
		r.Header.Set("Content-Type", c.kind)
		body, err := pictureOf(r)
		if c.want == "" {
			if !fault.Is(err, fault.Malformed) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := io.ReadAll(body); string(got) != c.want {
			t.Errorf("%s: %q (%v)", name, got, err)
		}
	}
}
