package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

type Generation struct {
	ID     string  `json:"id"`
	Status string  `json:"status"`
	Output *string `json:"output"`
	Error  *string `json:"error"`
}

func call(method, url, body string) Generation {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", os.Getenv("API_KEY"))
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Prefer", "respond-async")
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		log.Fatal(answer.Status)
	}
	var generation Generation
	if err := json.NewDecoder(answer.Body).Decode(&generation); err != nil {
		log.Fatal(err)
	}
	return generation
}

func main() {
	api := os.Getenv("API")
	body := `{"model": "sketch", "input": {"prompt": "a lighthouse at dawn"}}`
	generation := call("POST", api+"/generate", body)
	for generation.Status != "success" && generation.Status != "error" {
		time.Sleep(2 * time.Second)
		generation = call("GET", api+"/generations/"+generation.ID, "")
	}
	if generation.Output == nil {
		log.Fatal(*generation.Error)
	}
	fmt.Println(*generation.Output)
}
