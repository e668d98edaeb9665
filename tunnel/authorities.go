package tunnel

import (
	"crypto/x509"
	"fmt"

	"greenroom/internal/regular"
)

// maxCertificates is the largest file of certificates that is read, in bytes: a system's own has some hundred KiB.
const maxCertificates = 16 << 20

// Authorities returns the system's certificate authorities and those of a PEM file. It fails if the file can't be read or contains
// none.
func Authorities(file string) (*x509.CertPool, error) {
	pem, err := regular.Read(file, maxCertificates)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system without any is no reason to refuse the given ones
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s contains no PEM certificate", file)
	}
	return pool, nil
}
