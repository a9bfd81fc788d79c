package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
)

type Generation struct {
	ID     string  `json:"id"`
	Status string  `json:"status"`
	Output *string `json:"output"`
	Error  *string `json:"error"`
}

func main() {
	body := []byte(`{"model": "sketch", "input": {"prompt": "a lighthouse at dawn", "width": 512, "height": 512}}`)
	request, err := http.NewRequest("POST", os.Getenv("API")+"/generate", bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", os.Getenv("API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", "order-1234") // the same for every repetition of this request

	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		message, _ := io.ReadAll(answer.Body)
		log.Fatalf("%s: %s", answer.Status, message)
	}
	var generation Generation
	if err := json.NewDecoder(answer.Body).Decode(&generation); err != nil {
		log.Fatal(err)
	}
	if generation.Output == nil {
		log.Fatalf("no picture yet: %s", generation.Status)
	}
	picture, err := http.Get(*generation.Output) // follows the redirect, and sends no key
	if err != nil {
		log.Fatal(err)
	}
	defer picture.Body.Close()
	file, err := os.Create("picture.png")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	if _, err := io.Copy(file, picture.Body); err != nil {
		log.Fatal(err)
	}
	fmt.Println(generation.ID, generation.Status, *generation.Output)
}
