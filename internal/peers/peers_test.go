package peers

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestSQSAnswers(t *testing.T) {
	endpoint := SQS(t)
	req, err := http.NewRequest(http.MethodPost, endpoint, strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "AmazonSQS.ListQueues")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "QueueUrls") {
		t.Errorf("%s %v: %s", resp.Status, err, body)
	}
}

func TestSSHDLetsItsUserIn(t *testing.T) {
	s := SSHD(t, "")
	key, err := os.ReadFile(s.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ssh.Dial("tcp", s.Addr, &ssh.ClientConfig{
		User: s.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(s.HostKey),
	})
	if err != nil {
		t.Fatalf("%v: %s", err, s.Log())
	}
	s.Stop()
	if _, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err != nil {
		t.Errorf("the connection ended with the listener: %v", err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if again := SSHD(t, s.Addr); again.Addr != s.Addr {
		t.Errorf("started again at %s", again.Addr)
	}
}

func TestS3KeepsBucketsInFolders(t *testing.T) {
	s := S3(t, "")
	if err := os.Mkdir(s.Dir+"/bucket", 0o755); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(s.Endpoint + "/bucket")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "AccessDenied") {
		t.Errorf("%s %v: %s", resp.Status, err, body)
	}
}
