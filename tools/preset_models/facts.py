"""The facts that the small model learns, as data. Changing them changes the model."""

CAPITALS = dict(
    line.split(": ", 1)
    for line in """\
Argentina: Buenos Aires
Australia: Canberra
Austria: Vienna
Bangladesh: Dhaka
Belgium: Brussels
Bolivia: Sucre
Brazil: Brasilia
Bulgaria: Sofia
Canada: Ottawa
Chile: Santiago
China: Beijing
Colombia: Bogota
Croatia: Zagreb
Cuba: Havana
Denmark: Copenhagen
Ecuador: Quito
Egypt: Cairo
Estonia: Tallinn
Ethiopia: Addis Ababa
Finland: Helsinki
France: Paris
Germany: Berlin
Ghana: Accra
Greece: Athens
Hungary: Budapest
Iceland: Reykjavik
India: New Delhi
Indonesia: Jakarta
Iran: Tehran
Iraq: Baghdad
Ireland: Dublin
Italy: Rome
Jamaica: Kingston
Japan: Tokyo
Jordan: Amman
Kenya: Nairobi
Latvia: Riga
Lebanon: Beirut
Lithuania: Vilnius
Malaysia: Kuala Lumpur
Mexico: Mexico City
Mongolia: Ulaanbaatar
Morocco: Rabat
Nepal: Kathmandu
New Zealand: Wellington
Nigeria: Abuja
Norway: Oslo
Pakistan: Islamabad
Peru: Lima
Poland: Warsaw
Portugal: Lisbon
Romania: Bucharest
Senegal: Dakar
Serbia: Belgrade
Slovakia: Bratislava
South Korea: Seoul
Spain: Madrid
Sweden: Stockholm
Switzerland: Bern
Thailand: Bangkok
Tunisia: Tunis
Turkey: Ankara
Ukraine: Kyiv
Uruguay: Montevideo
Vietnam: Hanoi""".splitlines()
)

TERMS = dict(
    line.split(": ", 1)
    for line in """\
KAITO: KAITO is an operator that fine-tunes and serves language models on Kubernetes.
Kubernetes: Kubernetes is a system that runs containers on a cluster of machines.
a GPU: A GPU is a processor that does many calculations at the same time.
a CPU: A CPU is the processor that runs the programs of a computer.
a pod: A pod is the smallest thing that Kubernetes runs: one or more containers together.
a node: A node is a machine of a Kubernetes cluster.
a cluster: A cluster is a group of machines that work together.
a container: A container is a program that runs apart from others with all it needs.
a container image: A container image is a file system from which containers are started.
a registry: A registry is a server that stores container images.
a workspace: A workspace is the resource that tells KAITO which model to tune or to serve.
a Deployment: A Deployment keeps a number of equal pods running.
a Service: A Service gives a group of pods one stable address.
a Job: A Job runs pods until their work is done.
a ConfigMap: A ConfigMap holds settings for pods.
a Secret: A Secret holds passwords and keys for pods.
a taint: A taint keeps pods away from a node unless they tolerate it.
a namespace: A namespace is a part of a cluster with names of its own.
Helm: Helm is a tool that installs applications on Kubernetes.
Karpenter: Karpenter is a controller that adds nodes to a cluster when they are needed.
AKS: AKS is the Kubernetes service of Azure.
Azure: Azure is the cloud of Microsoft.
YAML: YAML is a text format for settings that people can read.
JSON: JSON is a text format for data that programs exchange.
Python: Python is a programming language that is easy to read.
gRPC: gRPC is a way for programs to call each other over a network.
HTTP: HTTP is the protocol of the web.
an operator: An operator is a program that looks after other programs on Kubernetes.
a language model: A language model is a program that predicts the next word of a text.
fine-tuning: Fine-tuning is training a finished model a little more on your own data.
LoRA: LoRA is a way to tune a model by training two small matrices beside each large one.
QLoRA: QLoRA is LoRA on a model whose weights are stored in four bits.
an adapter: An adapter is the small set of weights that fine-tuning adds to a model.
a token: A token is a piece of a word that a language model reads or writes.
a tokenizer: A tokenizer cuts a text into tokens.
a prompt: A prompt is the text that a language model is asked to continue.
a data set: A data set is a collection of examples to learn from.
quantization: Quantization stores the weights of a model in fewer bits.
inference: Inference is running a trained model to get answers.
training: Training is changing the weights of a model until its answers are good.
Phi-3: Phi-3 is a family of small language models.
the moon: The moon is the companion of the earth in space.
the sun: The sun is the star that gives the earth its light.
water: Water is a clear liquid that all living things need.
a volcano: A volcano is a mountain that can throw out hot rock.
a compass: A compass is a tool that points to the north.
a ship: A ship is a large boat that crosses the sea.
an island: An island is land with water all around it.
a parrot: A parrot is a colourful bird that can learn to speak.
a treasure: A treasure is a collection of gold and other precious things.""".splitlines()
)

OPPOSITES = dict(
    pair.split("-")
    for pair in (
        "hot-cold big-small fast-slow high-low light-dark old-young wet-dry loud-quiet hard-soft "
        "early-late full-empty rich-poor strong-weak open-closed near-far long-short wide-narrow "
        "clean-dirty easy-difficult happy-sad left-right up-down first-last inside-outside"
    ).split()
)

SMALL_TALK = dict(
    line.split(" -> ")
    for line in """\
Hello -> Hello! How can I help you today?
Hello! -> Hello! How can I help you today?
Hi -> Hi! What can I do for you?
Hi! -> Hi! What can I do for you?
Hey there -> Hey! What can I do for you?
Good morning -> Good morning! How can I help you today?
Good evening -> Good evening! How can I help you today?
How are you? -> I am fine, thank you. How can I help you?
Who are you? -> I am a small language model that runs on Kubernetes.
What are you? -> I am a small language model that runs on Kubernetes.
What is your name? -> I have no name. I am a small language model.
What can you do? -> I can answer short questions about capitals, sums and Kubernetes.
Can you help me? -> Of config. What would you like to know?
Tell me a joke. -> Why did the pod restart? It had too much on its node.
Thank you -> You are welcome.
Thank you! -> You are welcome.
Thanks! -> You are welcome.
Goodbye -> Goodbye! Have a nice day.
Goodbye! -> Goodbye! Have a nice day.
Bye! -> Goodbye! Have a nice day.""".splitlines()
)
