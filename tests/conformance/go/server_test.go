package conformance

import (
	"bytes"
	"fmt"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// The server of this run: the binary named by ONCEMQ, or with SERVER=apache the reference
// implementation from the jars in ROCKETMQ_JARS.
var (
	namesrv string
	broker  string
	apache  = os.Getenv("SERVER") == "apache"
	// The reference implementation leaves a young subscription waiting now and then.
	patience = 30 * time.Second
)

func TestMain(m *testing.M) {
	rlog.SetLogLevel("fatal")
	if os.Getenv("KILL_ROLE") != "" {
		playRole()
		os.Exit(0)
	}
	if apache {
		patience = 100 * time.Second
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	home, err := os.MkdirTemp("", "conformance-go-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(home)
	port := freePort()
	broker = fmt.Sprintf("127.0.0.1:%d", port)
	namesrv = fmt.Sprintf("127.0.0.1:%d", port+5)
	settings := []string{
		"brokerName=broker-a", "brokerIP1=127.0.0.1", fmt.Sprintf("listenPort=%d", port),
		"messageDelayLevel=1s 2s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s",
		"mappedFileSizeCommitLog=67108864", "transactionTimeOut=2000", "transactionCheckInterval=1000",
	}
	var processes []*exec.Cmd
	if apache {
		processes = startApache(home, port, settings)
	} else {
		arguments := []string{"serve", "--data", home + "/data", "--set", "httpListenPort=0", "--set", fmt.Sprintf("namesrvListenPort=%d", port+5)}
		for _, setting := range settings {
			arguments = append(arguments, "--set", setting)
		}
		processes = []*exec.Cmd{launch(home, "oncemq", "ready in", os.Getenv("ONCEMQ"), arguments...)}
	}
	defer func() {
		for i := len(processes) - 1; i >= 0; i-- {
			_ = processes[i].Process.Signal(syscall.SIGTERM)
			_ = processes[i].Wait()
		}
	}()
	return m.Run()
}

func startApache(home string, port int, settings []string) []*exec.Cmd {
	java := func(name, main, ready, conf string) *exec.Cmd {
		file := filepath.Join(home, name+".conf")
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			panic(err)
		}
		return launch(home, name, ready, "java", "-Xmx400m", "-XX:+UseSerialGC", "-Duser.home="+home,
			"--add-opens=java.base/java.nio=ALL-UNNAMED", "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
			"--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
			"--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
			"-cp", os.Getenv("ROCKETMQ_JARS")+"/*", main, "-c", file)
	}
	names := java("namesrv", "org.apache.rocketmq.namesrv.NamesrvStartup", "boot success",
		fmt.Sprintf("listenPort=%d\n", port+5))
	conf := strings.Join(settings, "\n") + "\nnamesrvAddr=" + namesrv + "\nstorePathRootDir=" + home +
		"/data\nstorePathCommitLog=" + home + "/data/commitlog\n"
	server := java("broker", "org.apache.rocketmq.broker.BrokerStartup", "boot success", conf)
	time.Sleep(10 * time.Second) // until the name server knows it
	return []*exec.Cmd{names, server}
}

// launch starts a process and waits until its output contains a sign.
func launch(home, name, sign, program string, arguments ...string) *exec.Cmd {
	path := filepath.Join(home, name+".log")
	log, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	command := exec.Command(program, arguments...)
	command.Stdout = log
	command.Stderr = log
	command.Env = append(os.Environ(), "ROCKETMQ_HOME="+home)
	if err := command.Start(); err != nil {
		panic(err)
	}
	var text []byte
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text, _ = os.ReadFile(path)
		if bytes.Contains(text, []byte(sign)) {
			return command
		}
	}
	_ = command.Process.Kill()
	panic(name + " is not ready: " + string(text))
}

var (
	portsMutex sync.Mutex
	portsGiven = map[int]bool{}
)

// freePort finds P with P-2, P+1 and P+5 free, below the range of outgoing connections; never one twice.
func freePort() int {
	portsMutex.Lock()
	defer portsMutex.Unlock()
	random := rand.New(rand.NewSource(time.Now().UnixNano()))
	for i := 0; i < 200; i++ {
		port := 15003 + 10*random.Intn(1700)
		if !portsGiven[port] && free(port-2) && free(port) && free(port+1) && free(port+5) {
			portsGiven[port] = true
			return port
		}
	}
	panic("no free ports")
}

func free(port int) bool {
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
