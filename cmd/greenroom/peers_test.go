package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/rogpeppe/go-internal/testscript"

	"greenroom/internal/peers"
)

// TestScriptsWithAQueue runs the scripts that need a queue against a server that speaks SQS.
func TestScriptsWithAQueue(t *testing.T) {
	endpoint := peers.SQS(t)
	const arn = "arn:aws:sqs:eu-west-1:000000000000:greenroom.fifo"
	client := sqs.New(sqs.Options{
		Region: "eu-west-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})
	_, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("greenroom.fifo"), Attributes: map[string]string{"FifoQueue": "true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, scripts("testdata/queue", func(env *testscript.Env) error {
		if err := setUp(env); err != nil {
			return err
		}
		for _, kv := range [][2]string{
			{"AWS_ACCESS_KEY_ID", "k"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_EC2_METADATA_DISABLED", "true"},
			{"AWS_ENDPOINT_URL_SQS", endpoint}, {"QUEUE", "sqs://" + arn},
		} {
			env.Setenv(kv[0], kv[1])
		}
		// Compressed it is small enough, and large for the listener all the same.
		large := fmt.Sprintf(`{"id":"evt-2","type":"room.client.joined","data":{"padding":%q}}`, strings.Repeat("many words ", 60_000))
		if err := os.WriteFile(filepath.Join(env.WorkDir, "large.json"), []byte(large), 0o600); err != nil {
			return err
		}
		return configure(env, "[tunnel]\nqueue = %q\nendpoint = %q\n", arn, endpoint)
	}))
}

// TestScriptsWithAnSSHServer runs the scripts that need one against OpenSSH.
func TestScriptsWithAnSSHServer(t *testing.T) {
	s := peers.SSHD(t, "")
	testscript.Run(t, scripts("testdata/ssh", func(env *testscript.Env) error {
		if err := setUp(env); err != nil {
			return err
		}
		return configure(env, "[tunnel]\ndriver = \"ssh\"\nssh_host = %q\nssh_user = %q\nssh_key_file = %q\nssh_bind = \"127.0.0.1:0\"\n"+
			"url = \"http://127.0.0.1:{port}\"\n", s.Addr, s.User, s.KeyFile)
	}))
}

// configure writes a script's configuration.
func configure(env *testscript.Env, format string, a ...any) error {
	dir := filepath.Join(env.WorkDir, "config", "greenroom")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.toml"), fmt.Appendf(nil, format, a...), 0o600)
}
