"""What others have published and the book compares with; nothing here needs torch.

Test accuracies of the ResNet-18 of Dive into Deep Learning on Fashion-MNIST (96x96, batches of 256,
rate 0.05, 10 epochs), printed in its public notebooks: `chapter_convolutional-modern/resnet.ipynb`
of the repositories d2l-{pytorch,tensorflow}-{sagemaker,colab} and d2l-pytorch-sagemaker-studio-lab
of d2l-ai on GitHub. Their 205 commits with an accuracy hold 64 distinct runs, because a build
prints again what an earlier one has stored.
"""

D2L_PYTORCH_RUNS, D2L_PYTORCH_MEDIAN = 33, 0.910
D2L_TENSORFLOW_RUNS, D2L_TENSORFLOW_MEDIAN = 31, 0.922
